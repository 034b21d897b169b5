"""KV caches: the value (`value`), and files and objects that hold one."""
