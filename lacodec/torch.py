"""Tensors of torch in and out of `.lac` files; the functions of `safetensors.torch` under their own names.

    save_file(model.state_dict(), "model.lac")          state = load_file("model.lac", device="cuda")
    with safe_open("model.lac") as file:                 state = load_folder("checkpoint/")
        weight = file.get_tensor("layer.3.weight")

    keep_coded(model)                                    the linear layers' weights stay coded until their block runs
    encode_safetensors("model.safetensors", "coded.safetensors")     decode_safetensors("coded.safetensors", "again.safetensors")

    DataLoader(Pictures("packed/", 224), batch_size=32, num_workers=2)     random crops of `.lac` pictures, decoded by tile

All but `Pictures` read plain .safetensors files too. They need torch: the extra lacodec[learned].
"""

from lacodec.integrations.torch.coded_model import keep_coded
from lacodec.integrations.torch.files import SafeOpen as safe_open
from lacodec.integrations.torch.files import load_file, save_file
from lacodec.integrations.torch.folders import load_folder
from lacodec.integrations.torch.pictures import Pictures
from lacodec.pipeline.coded_safetensors import decode_safetensors, encode_safetensors, save_coded

__all__ = [
    "Pictures",
    "decode_safetensors",
    "encode_safetensors",
    "keep_coded",
    "load_file",
    "load_folder",
    "safe_open",
    "save_coded",
    "save_file",
]
