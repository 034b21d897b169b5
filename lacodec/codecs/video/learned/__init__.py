"""Codec `video.learned`: video with loss, frames by image.learned's transforms, latents predicted from the frame before."""
