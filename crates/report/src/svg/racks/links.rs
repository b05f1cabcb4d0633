//! The links: how their load looks as a line, and the table of loads under the racks.

use super::super::canvas::Canvas;
use super::super::geometry::Rect;
use super::super::number::Format;
use super::super::text::{Anchor, Face};
use super::super::theme::Ink;
use super::{LinkLoad, finite};

/// From here on queues grow noticeably, and from there on little is left: where a link changes colour.
const BUSY: f64 = 0.7;
const HOT: f64 = 0.9;

/// How a link is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LinkStyle {
    pub(super) ink: Ink,
    pub(super) width: f64,
}

/// Thicker and warmer with utilisation; a link nobody described is a thin line.
pub(super) fn style(link: Option<&LinkLoad>) -> LinkStyle {
    let Some(link) = link else { return LinkStyle { ink: Ink::Edge, width: 1.5 } };
    let used = finite(link.utilization).clamp(0.0, 1.0);
    let ink = match used {
        u if u >= HOT => Ink::Hot,
        u if u >= BUSY => Ink::Busy,
        _ => Ink::Calm,
    };
    LinkStyle { ink, width: (1.5 + 4.0 * used).round() }
}

/// Utilisation in words.
pub(super) fn utilization(link: &LinkLoad) -> String {
    match link.utilization {
        used if used >= 9.995 => "over 999% used".to_owned(),
        used if used >= 0.0 => format!("{} used", Format::Percent.value(used, "")),
        _ => "unknown use".to_owned(),
    }
}

fn rate(value: f64) -> String {
    if value.is_finite() { Format::Si.value(value, "B/s") } else { "unknown".to_owned() }
}

fn load(link: &LinkLoad) -> String {
    format!("{} of {}", rate(link.load_bytes_per_s), rate(link.bandwidth_bytes_per_s))
}

const SAMPLE: f64 = 24.0;
const BAR: f64 = 90.0;
const GAP: f64 = 16.0;
const ROW: f64 = 20.0;

/// Where the columns of the table stand.
struct Columns {
    left: f64,
    /// Level, name, load: widths of the text columns.
    widths: [f64; 3],
    used: f64,
}

impl Columns {
    fn new(links: &[LinkLoad], left: f64) -> Columns {
        let widest = |text: fn(&LinkLoad) -> String| {
            links.iter().map(|link| Face::BODY.width(&text(link))).fold(0.0, f64::max)
        };
        let level = |link: &LinkLoad| link.level.name().to_owned();
        let widths = [widest(level), widest(|link| link.name.clone()), widest(load)];
        Columns { left, widths, used: widest(utilization) }
    }

    fn width(&self) -> f64 {
        SAMPLE + 8.0 + self.widths.iter().map(|width| width + GAP).sum::<f64>() + BAR + 8.0 + self.used
    }
}

/// Draws the table of links and returns where it ends.
pub(super) fn draw_table(canvas: &mut Canvas, links: &[LinkLoad], left: f64, room: f64, top: f64) -> f64 {
    if links.is_empty() {
        return top;
    }
    let mut sorted: Vec<&LinkLoad> = links.iter().collect();
    sorted.sort_by_key(|link| std::cmp::Reverse(link.level));
    let heading = "Link load";
    canvas.text((left, top + 12.0), heading, Face::HEADING, Ink::Text, Anchor::Start);
    let note = "thicker is busier; colour changes at 70% and 90%";
    let beside = Face::HEADING.width(heading) + 10.0;
    let mut top = top + 20.0;
    if beside + Face::SMALL.width(note) <= room {
        canvas.text((left + beside, top - 8.0), note, Face::SMALL, Ink::Muted, Anchor::Start);
    }
    let columns = Columns::new(links, left);
    for link in sorted {
        top = if columns.width() <= room {
            draw_wide(canvas, link, &columns, top)
        } else {
            draw_narrow(canvas, link, left, room, top)
        };
    }
    top + 4.0
}

/// Sample, level, name, load and bar in one row.
fn draw_wide(canvas: &mut Canvas, link: &LinkLoad, columns: &Columns, top: f64) -> f64 {
    let baseline = top + 14.0;
    draw_sample(canvas, link, columns.left, top + 10.0);
    let mut x = columns.left + SAMPLE + 8.0;
    let cells = [(link.level.name(), Ink::Text), (&link.name, Ink::Muted), (&load(link), Ink::Text)];
    for ((text, ink), width) in cells.into_iter().zip(columns.widths) {
        canvas.text((x, baseline), text, Face::BODY, ink, Anchor::Start);
        x += width + GAP;
    }
    draw_bar(canvas, link, Rect::new(x, top + 5.0, BAR, 10.0));
    canvas.text((x + BAR + 8.0, baseline), &utilization(link), Face::BODY, Ink::Text, Anchor::Start);
    top + ROW
}

/// The same in three rows, for a narrow page.
fn draw_narrow(canvas: &mut Canvas, link: &LinkLoad, left: f64, room: f64, top: f64) -> f64 {
    draw_sample(canvas, link, left, top + 10.0);
    let x = left + SAMPLE + 8.0;
    let width = room - SAMPLE - 8.0;
    let name = format!("{} {}", link.level.name(), link.name);
    for (i, (text, ink)) in [(name, Ink::Text), (load(link), Ink::Muted)].into_iter().enumerate() {
        let baseline = top + 14.0 + i as f64 * 17.0;
        canvas.text((x, baseline), &Face::BODY.fit(&text, width), Face::BODY, ink, Anchor::Start);
    }
    let used = utilization(link);
    let bar = BAR.min(width - Face::BODY.width(&used) - 8.0).max(0.0);
    draw_bar(canvas, link, Rect::new(x, top + 39.0, bar, 10.0));
    canvas.text((x + bar + 8.0, top + 48.0), &used, Face::BODY, Ink::Text, Anchor::Start);
    top + 60.0
}

fn draw_sample(canvas: &mut Canvas, link: &LinkLoad, x: f64, middle: f64) {
    let style = style(Some(link));
    canvas.line((x, middle), (x + SAMPLE, middle)).stroke(style.ink, style.width).done();
}

fn draw_bar(canvas: &mut Canvas, link: &LinkLoad, place: Rect) {
    let used = finite(link.utilization).clamp(0.0, 1.0);
    canvas.rect(place).number("rx", 2.0).fill(Ink::Grid).done();
    let filled = Rect { width: place.width * used, ..place };
    let tip = format!("{} {}: {}, {}", link.level.name(), link.name, load(link), utilization(link));
    canvas.rect(filled).number("rx", 2.0).fill(style(Some(link)).ink).titled(&tip);
}
