//! noctis
