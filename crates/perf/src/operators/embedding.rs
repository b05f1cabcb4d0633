//! The look-up of token embeddings.

use super::estimates::passes;
use crate::{Cost, Device};

/// One look-up on one rank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Embedding {
    /// Tokens.
    pub tokens: f64,
    /// Width of an embedding on this rank.
    pub hidden: f64,
    /// Bytes of a number of the table.
    pub element_bytes: f64,
    /// Whether it is replayed from a graph.
    pub replayed: bool,
}

/// Time of a look-up.
///
/// t = 2 us · phi + 2 T h w / (0.7 W): each token's row is read and written once
///
/// T tokens, h width, w bytes of a number, W memory bandwidth in bytes/s, phi as in `elementwise`. The table's size does
/// not matter: rows that no token names are not touched. Unvalidated: constants are estimates.
pub fn embedding(shape: &Embedding, device: &Device) -> Cost {
    passes(2.0 * shape.tokens * shape.hidden * shape.element_bytes, 1.0, shape.replayed, device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::tests::with_link;

    #[test]
    fn hand_rows_of_8192_tokens() {
        // 2 us + 2 x 8,192 x 4,096 x 2 B / (0.7 x 3.35 TB/s) = 2 + 57.236 us.
        let shape = Embedding { tokens: 8192.0, hidden: 4096.0, element_bytes: 2.0, replayed: false };
        let time = embedding(&shape, &with_link(450e9)).time.get() * 1e6;
        assert!((time - 59.236).abs() < 1e-3, "{time}");
    }

    #[test]
    fn law_an_empty_batch_only_launches() {
        let shape = Embedding { tokens: 0.0, hidden: 4096.0, element_bytes: 2.0, replayed: true };
        assert!((embedding(&shape, &with_link(450e9)).time.get() - 1.4e-6).abs() < 1e-12);
    }
}
