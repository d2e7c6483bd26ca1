//! The plots, as SVG that takes its colours from the page's style.

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::latency::Percentiles;
use super::timeline::{Bin, Bins};

/// A plot is drawn so many times as large as it is shown, because places in it are whole numbers.
const SCALE: u32 = 10;
/// Colours that stand for classes of the style sheet.
const TEXT: RGBColor = RGBColor(0, 0, 250);
const GRID: RGBColor = RGBColor(0, 0, 251);
const LIMIT: RGBColor = RGBColor(0, 0, 252);
const CLASSES: [(&str, &str); 6] = [
    ("#000001", "k1"),
    ("#000002", "k2"),
    ("#000003", "k3"),
    ("#0000FA", "kt"),
    ("#0000FB", "kg"),
    ("#0000FC", "kl"),
];

/// How large a plot is, in CSS pixels, and for which pages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) class: &'static str,
    width: u32,
    height: u32,
    /// So many bars have room.
    pub(super) bars: usize,
}

/// For a desk and for a phone: of a single one, the text would be too small there.
pub(super) const FRAMES: [Frame; 2] = [
    Frame { class: "wide", width: 900, height: 230, bars: 120 },
    Frame { class: "narrow", width: 340, height: 220, bars: 48 },
];

/// A value of each bin.
pub(super) type ValueOf = fn(&Bin) -> f64;

/// A plot over time.
pub(super) struct OverTime<'a> {
    /// For those who cannot see it.
    pub(super) label: &'a str,
    /// What is stacked, the lowest first; the colours are those of the classes in their order.
    pub(super) layers: &'a [ValueOf],
    /// A line above it.
    pub(super) limit: Option<fn(&Bin) -> Option<f64>>,
    /// Whether the bars stand apart.
    pub(super) apart: bool,
}

/// The plot in all frames.
pub(super) fn over_time(bins: &Bins, plot: &OverTime<'_>) -> String {
    let each = |frame| draw(frame, plot.label, |root| draw_time(root, frame, bins, plot));
    FRAMES.map(each).concat()
}

/// How long things took, in all frames.
pub(super) fn latency(times: &Percentiles, label: &str) -> String {
    let each = |frame| draw(frame, label, |root| draw_latency(root, frame, times));
    FRAMES.map(each).concat()
}

type Root<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Option<()>;

fn draw(frame: Frame, label: &str, draw: impl FnOnce(&Root<'_>) -> Drawn) -> String {
    let mut svg = String::new();
    let size = (frame.width * SCALE, frame.height * SCALE);
    {
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        // Drawing into a string does not fail.
        if draw(&root).and_then(|()| root.present().ok()).is_none() {
            return String::new();
        }
    }
    styled(&svg, frame, label)
}

/// The same with classes in place of colours.
fn styled(svg: &str, frame: Frame, label: &str) -> String {
    let body = svg.split_once('>').map_or("", |(_, body)| body);
    let mut body = body.replace(" opacity=\"1\"", "").replace(" stroke=\"none\"", "");
    body = body.replace(" font-family=\"sans-serif\"", "").replace(">\n", ">");
    for (colour, class) in CLASSES {
        body = body.replace(&format!("fill=\"{colour}\""), &format!("class=\"f {class}\""));
        body = body.replace(&format!("stroke=\"{colour}\""), &format!("class=\"s {class}\""));
    }
    format!(
        "<svg class=\"plot {}\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{label}\">{body}",
        frame.class,
        frame.width * SCALE,
        frame.height * SCALE
    )
}

fn px(pixels: u32) -> i32 {
    i32::try_from(pixels * SCALE).unwrap_or(i32::MAX)
}

fn text_style<'a>() -> TextStyle<'a> {
    // plotters takes a size for 1.24 times what it writes.
    let size = f64::from(SCALE) * 11.5 * 1.24;
    TextStyle::from(("sans-serif", size).into_font()).color(&TEXT)
}

fn draw_time(root: &Root<'_>, frame: Frame, bins: &Bins, plot: &OverTime<'_>) -> Drawn {
    let bins = bins.at_most(frame.bars);
    let (unit, seconds) = unit(bins.bin_seconds * bins.bins.len() as f64);
    let width = bins.bin_seconds / seconds;
    let end = width * bins.bins.len().max(1) as f64;
    let stack = |bin: &Bin| plot.layers.iter().map(|value| value(bin)).sum::<f64>();
    let limit_of = |bin: &Bin| plot.limit.and_then(|limit| limit(bin));
    let top = bins.bins.iter().map(|bin| stack(bin).max(limit_of(bin).unwrap_or_default()));
    let top = top.fold(0.0, f64::max).max(1.0) * 1.06;

    let mut chart = ChartBuilder::on(root)
        .margin(px(6))
        .margin_right(px(14))
        .set_label_area_size(LabelAreaPosition::Bottom, px(22))
        .set_label_area_size(LabelAreaPosition::Left, px(40))
        .build_cartesian_2d(0.0..end, 0.0..top)
        .ok()?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID.stroke_width(SCALE))
        .axis_style(GRID.stroke_width(SCALE))
        .label_style(text_style())
        .set_tick_mark_size(LabelAreaPosition::Left, px(5))
        .set_tick_mark_size(LabelAreaPosition::Bottom, px(5))
        .x_labels(if frame.width > 500 { 10 } else { 5 })
        .y_labels(5)
        .x_label_formatter(&|at| format!("{} {unit}", short(*at)))
        .y_label_formatter(&|value| short(*value))
        .draw()
        .ok()?;
    let mut bottoms = vec![0.0; bins.bins.len()];
    for (layer, value) in (1..).zip(plot.layers) {
        let colour = RGBColor(0, 0, layer).filled();
        let tops: Vec<f64> =
            bins.bins.iter().zip(&bottoms).map(|(bin, bottom)| bottom + value(bin)).collect();
        if plot.apart {
            let bar = |(index, (bottom, top)): (usize, (&f64, &f64))| {
                let (left, gap) = (index as f64 * width, 0.12 * width);
                Rectangle::new([(left + gap, *bottom), (left + width - gap, *top)], colour)
            };
            let pairs = bottoms.iter().zip(&tops).enumerate();
            let bars = pairs.filter(|(_, (bottom, top))| top > bottom).map(bar);
            chart.draw_series(bars).ok()?;
        } else if tops != bottoms {
            // In one piece: between bars that touch one would see seams.
            let mut outline: Vec<_> = steps(&tops, width).collect();
            outline.extend(steps(&bottoms, width).collect::<Vec<_>>().into_iter().rev());
            chart.draw_series([Polygon::new(outline, colour)]).ok()?;
        }
        bottoms = tops;
    }
    let line = bins.bins.iter().enumerate().filter_map(|(index, bin)| {
        let limit = limit_of(bin)?;
        Some([(index as f64 * width, limit), ((index + 1) as f64 * width, limit)])
    });
    let line: Vec<_> = line.flatten().collect();
    if !line.is_empty() {
        chart.draw_series([PathElement::new(line, LIMIT.stroke_width(SCALE * 2))]).ok()?;
    }
    Some(())
}

fn draw_latency(root: &Root<'_>, frame: Frame, times: &Percentiles) -> Drawn {
    let ranges = &times.histogram;
    let (first, last) = (ranges.first()?.from.log10(), ranges.last()?.to.log10());
    // A single bar would be as broad as the plot.
    let (first, last) = (first.min(last - 1.0), last.max(first + 1.0));
    let top = ranges.iter().map(|range| range.count).max()? as f64 * 1.22;
    let mut chart = ChartBuilder::on(root)
        .margin(px(6))
        .margin_right(px(14))
        .set_label_area_size(LabelAreaPosition::Bottom, px(22))
        .set_label_area_size(LabelAreaPosition::Left, px(40))
        .build_cartesian_2d(first..last, 0.0..top.max(1.0))
        .ok()?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID.stroke_width(SCALE))
        .axis_style(GRID.stroke_width(SCALE))
        .label_style(text_style())
        .set_tick_mark_size(LabelAreaPosition::Left, px(5))
        .set_tick_mark_size(LabelAreaPosition::Bottom, px(5))
        .x_labels(0)
        .y_labels(5)
        .y_label_formatter(&|value| short(*value))
        .draw()
        .ok()?;
    for range in ranges.iter().filter(|range| range.count > 0) {
        let (left, right) = (range.from.log10(), range.to.log10());
        let gap = 0.06 * (right - left);
        let corners = [(left + gap, 0.0), (right - gap, range.count as f64)];
        chart.draw_series([Rectangle::new(corners, RGBColor(0, 0, 1).filled())]).ok()?;
    }
    label_times(root, &chart, frame, (first, last))?;
    mark(root, &chart, times, top)
}

/// The upper corners of bars.
fn steps(values: &[f64], width: f64) -> impl Iterator<Item = (f64, f64)> {
    let corners = move |(index, value): (usize, &f64)| {
        [(index as f64 * width, *value), ((index + 1) as f64 * width, *value)]
    };
    values.iter().enumerate().flat_map(corners)
}

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Labels below an axis of logarithms: powers of ten, and between them where there is room.
fn label_times(
    root: &Root<'_>,
    chart: &Chart<'_, '_>,
    frame: Frame,
    (first, last): (f64, f64),
) -> Drawn {
    let room = f64::from(frame.width) / (last - first);
    let steps: &[f64] = if room > 180.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let style = text_style();
    let style = style.pos(plotters::style::text_anchor::Pos::new(
        plotters::style::text_anchor::HPos::Center,
        plotters::style::text_anchor::VPos::Top,
    ));
    for power in (first.floor() as i32)..=(last.ceil() as i32) {
        for step in steps {
            let at = f64::from(power) + step.log10();
            if at < first - 1e-6 || at > last + 1e-6 {
                continue;
            }
            let (x, y) = chart.backend_coord(&(at, 0.0));
            let text = super::human::time(10f64.powi(power) * step);
            root.draw(&Text::new(text, (x, y + px(7)), style.clone())).ok()?;
        }
    }
    Some(())
}

/// Lines at the percentiles, each with its name above, unless the last one stands too near.
fn mark(root: &Root<'_>, chart: &Chart<'_, '_>, times: &Percentiles, top: f64) -> Drawn {
    let style = text_style().pos(plotters::style::text_anchor::Pos::new(
        plotters::style::text_anchor::HPos::Center,
        plotters::style::text_anchor::VPos::Bottom,
    ));
    let mut free_from = i32::MIN;
    for (name, value) in [("p50", times.p50), ("p95", times.p95), ("p99", times.p99)] {
        let (x, y) = chart.backend_coord(&(value.log10(), top * 0.9));
        let (_, bottom) = chart.backend_coord(&(value.log10(), 0.0));
        let line = PathElement::new(vec![(x, bottom), (x, y)], LIMIT.stroke_width(SCALE));
        root.draw(&line).ok()?;
        if x >= free_from {
            root.draw(&Text::new(name, (x, y - px(2)), style.clone())).ok()?;
            free_from = x + px(30);
        }
    }
    Some(())
}

/// In which unit a time of so many seconds is told, and how many seconds that has.
fn unit(seconds: f64) -> (&'static str, f64) {
    match seconds {
        ..=180.0 => ("s", 1.0),
        ..=10_800.0 => ("min", 60.0),
        _ => ("h", 3600.0),
    }
}

/// A number on an axis.
fn short(value: f64) -> String {
    let (value, unit) = match value.abs() {
        1e6.. => (value / 1e6, " M"),
        1e4.. => (value / 1e3, " k"),
        _ => (value, ""),
    };
    let text = format!("{value:.2}");
    format!("{}{unit}", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, text) in
            [(0.0, "0"), (0.5, "0.5"), (20.0, "20"), (15_000.0, "15 k"), (2.5e6, "2.5 M")]
        {
            assert_eq!(short(value), text);
        }
    }

    #[test]
    fn a_plot_has_its_colours_from_the_style_sheet() {
        let bin = Bin { answered: 3, quota_limit: Some(5), ..Bin::default() };
        let bins = Bins { bin_seconds: 1.0, bins: vec![bin; 300] };
        let plot = OverTime {
            label: "requests",
            layers: &[|bin| bin.answered as f64],
            limit: Some(|bin| bin.quota_limit.map(f64::from)),
            apart: true,
        };
        let svg = over_time(&bins, &plot);
        assert_eq!(svg.matches("<svg").count(), 2);
        assert!(!svg.contains("#0000"), "{svg}");
        assert!(svg.contains("class=\"f k1\"") && svg.contains("class=\"s kl\""), "{svg}");
        assert!(svg.len() < 40_000, "{}", svg.len());
        assert!(over_time(&Bins { bin_seconds: 1.0, bins: Vec::new() }, &plot).contains("<svg"));
    }
}
