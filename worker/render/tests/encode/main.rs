//! Every picture that an encoder writes is read back by decoders that share no code with it.

mod jpeg;
mod patterns;
mod png;
mod webp;
