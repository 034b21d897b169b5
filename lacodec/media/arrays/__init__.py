"""Arrays of numpy and the files that hold them: .npy and .npz."""
