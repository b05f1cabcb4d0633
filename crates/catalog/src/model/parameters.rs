//! How many parameters a model has, and how many of them a token uses.

use super::{LayerKind, Model};

/// The parameters of one layer by what they belong to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LayerParameters {
    /// Attention or recurrence.
    pub mixer: u64,
    /// What every token uses of the feed-forward part: a dense network, router, shared experts, latent maps.
    pub ffn: u64,
    /// All routed experts.
    pub routed: u64,
    /// The routed experts that one token uses.
    pub routed_active: u64,
    /// Norms and hyper-connections.
    pub norms: u64,
}

impl LayerParameters {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.mixer + self.ffn + self.routed + self.norms
    }

    /// Those that one token uses.
    pub fn active(&self) -> u64 {
        self.mixer + self.ffn + self.routed_active + self.norms
    }
}

impl Model {
    /// The parameters of a layer of one kind.
    pub fn layer_parameters(&self, kind: &LayerKind) -> LayerParameters {
        let ffn = kind.ffn.as_ref();
        LayerParameters {
            mixer: kind.mixer.as_ref().map_or(0, |mixer| mixer.parameters(self.hidden)),
            ffn: ffn.map_or(0, |ffn| ffn.common_parameters(self.hidden)),
            routed: ffn.map_or(0, |ffn| ffn.routed_parameters(self.hidden)),
            routed_active: ffn.map_or(0, |ffn| ffn.routed_active_parameters(self.hidden)),
            norms: self.norm_parameters(kind),
        }
    }

    /// Norms of a layer, and the maps of hyper-connections: with `s` streams each half has one of
    /// `s · hidden · (s² + 2 s)`.
    fn norm_parameters(&self, kind: &LayerKind) -> u64 {
        let halves = kind.halves();
        let before = if self.parallel_block { halves.min(1) } else { halves };
        let after = if self.post_norm { halves } else { 0 };
        let streams = self.residual_streams;
        let connections = halves * streams * self.hidden * (streams * streams + 2 * streams);
        (before + after) * self.norm.parameters(self.hidden) + connections
    }

    /// Embedding table, output projection unless it is tied, and learned positions:
    /// `vocab · hidden · (1 or 2) + positions · hidden`.
    pub fn parameters_embedding(&self) -> u64 {
        self.input_table() + self.parameters_lm_head()
    }

    /// The output projection, `vocab · hidden`; 0 where it is the embedding table itself.
    pub fn parameters_lm_head(&self) -> u64 {
        if self.tied_embeddings { 0 } else { self.vocab * self.hidden }
    }

    /// Tables from which a token only reads a row.
    fn input_table(&self) -> u64 {
        (self.vocab + self.learned_positions) * self.hidden
    }

    /// All parameters of the main model; MTP modules are counted by [`Model::parameters_mtp`].
    pub fn parameters_total(&self) -> u64 {
        self.outside_layers() + self.sum(LayerParameters::total)
    }

    /// Parameters that one token uses: all but the routed experts it is not sent to. Embeddings count whole.
    pub fn parameters_active(&self) -> u64 {
        self.outside_layers() + self.sum(LayerParameters::active)
    }

    /// All routed experts: what expert parallelism spreads.
    pub fn parameters_routed(&self) -> u64 {
        self.sum(|layer| layer.routed)
    }

    /// Everything but the routed experts.
    pub fn parameters_shared(&self) -> u64 {
        self.parameters_total() - self.parameters_routed()
    }

    /// Parameters of all MTP modules: their layers, a map from two vectors to one (`2 · hidden²`) and three norms.
    /// Embeddings and output projection are the main model's.
    pub fn parameters_mtp(&self) -> u64 {
        let layers = self.mtp_sequence().into_iter().map(|kind| self.layer_parameters(kind).total());
        let joint = 2 * self.hidden * self.hidden + 3 * self.norm.parameters(self.hidden);
        self.mtp_layers * (layers.sum::<u64>() + joint)
    }

    /// Weights that take part in arithmetic for one token: the active ones without the tables that are only read
    /// from. A tied table counts, as the output projection.
    pub fn parameters_multiplied(&self) -> u64 {
        let read_only =
            if self.tied_embeddings { self.learned_positions * self.hidden } else { self.input_table() };
        self.parameters_active() - read_only
    }

    fn outside_layers(&self) -> u64 {
        self.parameters_embedding() + self.norm.parameters(self.hidden)
    }

    fn sum(&self, part: impl Fn(&LayerParameters) -> u64) -> u64 {
        self.layer_counts().map(|(_, kind, count)| count * part(&self.layer_parameters(kind))).sum()
    }
}
