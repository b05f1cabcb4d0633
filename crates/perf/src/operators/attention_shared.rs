//! What attention operators have in common: windows, splits, scores.

/// Queries per key up to which kernels keep all of them in one pass over the cache.
pub(super) const WIDEST_GROUP: f64 = 32.0;

/// The fewest keys of a block.
const TILE: f64 = 128.0;

/// Keys that a token looks at, of `keys` in all; a window of 0 is none.
pub(super) fn seen(keys: f64, window: f64) -> f64 {
    if window > 0.0 { keys.min(window) } else { keys }
}

/// Keys of one block, when those of `units` are split as [`splits`] says: a whole tile at least, so that another key is
/// never faster.
pub(super) fn keys_of_block(keys: f64, units: f64, blocks: f64, most: f64) -> f64 {
    (keys / splits(keys, units, blocks, most)).ceil().max(keys.min(TILE))
}

/// Parts into which the keys of each of `units` are split (flash-decoding).
///
/// As many as make so many waves of blocks, none shorter than 128 keys, and no more than the kernel can join.
fn splits(keys: f64, units: f64, blocks: f64, most: f64) -> f64 {
    (blocks / units).floor().min((keys / TILE).ceil()).min(most).max(1.0)
}

/// How often the cache is read: once, and again for each 16 queries in kernels that cannot hold all.
pub(super) fn blocks_of_queries(group: f64, reread: f64) -> f64 {
    if group > WIDEST_GROUP { 1.0 + reread * group / 16.0 } else { 1.0 }
}

/// Scores that causal attention computes for one head, and keys of its last row.
///
/// Row x of S sees min(x + c / 2 + p, window + c) keys, p those of a prefix and c the edge of a tile: the diagonal cuts
/// its tiles in half, a window's two edges one each. For whole tiles this is their number times c^2.
pub(super) fn causal_scores(tokens: f64, prefix: f64, window: f64, tile: f64) -> (f64, f64) {
    let (widest, first) = (window + tile, prefix + 0.5 * tile);
    // Rows that see all keys before them; the others see a band.
    let growing = (widest - first).clamp(0.0, tokens);
    let band = if tokens > growing { (tokens - growing) * widest } else { 0.0 };
    (growing * (0.5 * growing + first) + band, (tokens + prefix).min(widest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_causal_scores() {
        // 512 tokens in tiles of 128: rows of 1, 2, 3, 4 tiles. Two tiles of prefix: 3, 4, 5, 6.
        let (square, all) = (128.0 * 128.0, f64::INFINITY);
        assert_eq!(causal_scores(512.0, 0.0, all, 128.0), (10.0 * square, 512.0));
        assert_eq!(causal_scores(512.0, 256.0, all, 128.0), (18.0 * square, 768.0));
        // A window of 128: 1, then 1.875 where the band begins, 2, 2.
        assert_eq!(causal_scores(512.0, 0.0, 128.0, 128.0), (6.875 * square, 256.0));
        // With both: every row sees the two tiles of the band.
        assert_eq!(causal_scores(512.0, 512.0, 128.0, 128.0), (8.0 * square, 256.0));
    }

    #[test]
    fn hand_splits() {
        // 8 units for 264 blocks: 33 splits; 1,024 keys allow 8; 10,000 allow 79; a kernel that joins 4 allows 4.
        assert_eq!(splits(1024.0, 8.0, 264.0, 64.0), 8.0);
        assert_eq!(splits(10_000.0, 8.0, 264.0, 64.0), 33.0);
        assert_eq!(splits(10_000.0, 8.0, 264.0, 4.0), 4.0);
        assert_eq!(splits(10_000.0, 1000.0, 264.0, 64.0), 1.0);
        // 129 keys in two parts: 65 each, which take a tile of 128.
        assert_eq!(keys_of_block(129.0, 8.0, 264.0, 64.0), 128.0);
    }
}
