//! The measures of a rack: how its GPUs become cells, its servers rows, and where its links run.

use super::super::geometry::Rect;
use super::ClusterDiagram;

/// Beyond this a server's GPUs are a bar with proportional parts, not cells.
const MOST_CELLS: u32 = 96;
/// Up to this many servers are drawn one by one.
pub(super) const MOST_SERVERS: u32 = 20;

/// Servers narrower than this are wrapped to another row rather than squeezed.
const NARROWEST: f64 = 76.0;
const PADDING: f64 = 8.0;
const SERVER_PADDING: f64 = 4.0;
const CELL_GAP: f64 = 2.0;
/// Room right of the servers, for the bus that joins them.
const BUS: f64 = 14.0;
/// Room for `×18` beside a folded server.
const FOLD: f64 = 34.0;
const SWITCH: f64 = 7.0;

/// Measures common to all racks of a diagram.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// Cells beside each other; 0 where GPUs are drawn as a bar.
    pub(super) columns: u32,
    cell_width: f64,
    cell_height: f64,
    cell_rows: u32,
    inner: f64,
    /// Whether servers are folded, which takes room for the badges.
    pub(super) folded: bool,
    /// Whether there is anything for a switch to join.
    pub(super) switched: bool,
    /// Whether a server has more than one GPU to join.
    pub(super) linked: bool,
}

impl Shape {
    /// The shape of racks in a row that is `room` wide, no wider than `column` if they stay readable then.
    pub(super) fn new(diagram: &ClusterDiagram, room: f64, column: f64) -> Shape {
        let gpus = diagram.gpus_per_server;
        let others =
            u64::from(diagram.storage_servers_per_rack) + u64::from(diagram.control_servers_per_rack);
        let servers = u64::from(diagram.servers_per_rack) + others;
        let folded = diagram.servers_per_rack > MOST_SERVERS;
        let around = 2.0 * (PADDING + SERVER_PADDING) + BUS + if folded { FOLD } else { 0.0 } + 10.0;
        let squeezed = column - around;
        let inner_room = if squeezed >= NARROWEST { squeezed } else { (room - around).max(40.0) };
        let columns = columns(gpus, inner_room);
        let drawn_columns = f64::from(columns.max(1));
        let widest = inner_room.min(118.0_f64.max(drawn_columns * 11.0));
        let cell_width = ((widest + CELL_GAP) / drawn_columns - CELL_GAP).clamp(3.0, 24.0);
        let many = diagram.servers_per_rack > 10 && !folded;
        let inner = if columns == 0 { widest } else { drawn_columns * (cell_width + CELL_GAP) - CELL_GAP };
        Shape {
            columns,
            cell_width,
            cell_height: if many { 7.0 } else { 10.0 },
            cell_rows: if columns == 0 { 1 } else { gpus.div_ceil(columns).max(1) },
            // A rack of one or two GPUs is still a rack.
            inner: inner.max(72.0_f64.min(inner_room)),
            folded,
            switched: servers > 1,
            linked: gpus > 1,
        }
    }

    pub(super) fn server_width(&self) -> f64 {
        self.inner + 2.0 * SERVER_PADDING
    }

    pub(super) fn server_height(&self) -> f64 {
        let cells = f64::from(self.cell_rows) * (self.cell_height + CELL_GAP) - CELL_GAP;
        3.0 + cells + if self.linked { 6.0 } else { 3.0 }
    }

    pub(super) fn rack_width(&self) -> f64 {
        let bus = if self.switched { BUS } else { 0.0 };
        2.0 * PADDING + self.server_width() + bus + if self.folded { FOLD } else { 0.0 }
    }

    /// Where the servers begin below the rack's top edge.
    pub(super) fn servers_top(&self) -> f64 {
        if self.switched { PADDING + SWITCH + 6.0 } else { PADDING }
    }

    /// The switch at the rack's top.
    pub(super) fn switch(&self, x: f64, y: f64) -> Rect {
        Rect::new(x + PADDING, y + PADDING, self.server_width() + BUS, SWITCH)
    }

    pub(super) fn bus_x(&self, x: f64) -> f64 {
        x + PADDING + self.server_width() + BUS - 4.0
    }

    pub(super) fn server(&self, x: f64, y: f64) -> Rect {
        Rect::new(x + PADDING, y, self.server_width(), self.server_height())
    }

    pub(super) fn bottom_padding(&self) -> f64 {
        PADDING
    }

    /// The area of a server's cells.
    pub(super) fn cells(&self, server: Rect) -> Rect {
        let height = f64::from(self.cell_rows) * (self.cell_height + CELL_GAP) - CELL_GAP;
        Rect::new(server.x + SERVER_PADDING, server.y + 3.0, self.inner, height)
    }

    /// The cell of the GPU at an index within its server.
    pub(super) fn cell(&self, server: Rect, index: u64) -> Rect {
        let area = self.cells(server);
        let (row, column) = (index / u64::from(self.columns), index % u64::from(self.columns));
        let x = area.x + column as f64 * (self.cell_width + CELL_GAP);
        let y = area.y + row as f64 * (self.cell_height + CELL_GAP);
        Rect::new(x, y, self.cell_width, self.cell_height)
    }

    /// Height of the line that joins the GPUs of a server.
    pub(super) fn intra_y(&self, server: Rect) -> f64 {
        server.bottom() - 3.0
    }

    /// Where a pointer to the switch ends.
    pub(super) fn switch_end(&self, x: f64, rack_top: f64) -> Option<(f64, f64)> {
        let switch = self.switch(x, rack_top);
        self.switched.then_some((switch.x, switch.y + SWITCH / 2.0))
    }

    /// Where a pointer to the first server's inner link ends.
    pub(super) fn first_intra_end(&self, x: f64, rack_top: f64) -> Option<(f64, f64)> {
        let server = self.server(x, rack_top + self.servers_top());
        self.linked.then_some((server.x + SERVER_PADDING, self.intra_y(server)))
    }
}

/// Cells beside each other: one row up to 16 GPUs, else a divisor near 12; 0 for too many to draw.
fn columns(gpus: u32, room: f64) -> u32 {
    if gpus > MOST_CELLS {
        return 0;
    }
    let most = ((room / 7.0) as u32).clamp(4, 16);
    if gpus <= most {
        return gpus.max(1);
    }
    (most / 2..=most).rev().find(|columns| gpus.is_multiple_of(*columns)).unwrap_or(most)
}
