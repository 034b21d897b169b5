"""WaLLoC (Jacobellis and Yadwadkar 2025): a wavelet packet (`packet`) and few linear channels of it (`transform`)."""
