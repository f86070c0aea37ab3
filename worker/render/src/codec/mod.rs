//! Decoders of compressed frames, one file each. The only `unsafe` of this package is in the thin bindings here.
