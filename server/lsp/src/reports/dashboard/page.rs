//! Writes the page: the template with its policy, styles, scripts and figures. It leaves the figures to `columns`.
//!
//! The policy allows the page its own style and script by their hashes and nothing else, so a name that gets into the page as HTML does nothing. The
//! figures stand in the page as JSON, in which no `<` is written, and the script writes them as text.

use anyhow::Context as _;
use serde::Serialize;

/// The page, with marks for its parts.
const TEMPLATE: &str = include_str!("../../../assets/dashboard/page.html");
/// What the page may do, generated from [`STYLE`] and [`SCRIPT`].
pub const POLICY: &str = include_str!("../../../assets/dashboard/policy.txt");
/// The styles: those of uPlot, which draws the charts, and the page's own.
pub const STYLE: &str =
    concat!(include_str!("../../../assets/uplot/uPlot.min.css"), include_str!("../../../assets/dashboard/page.css"));
/// The scripts: uPlot with its licence, and the page's own, in the order in which they use each other.
pub const SCRIPT: &str = concat!(
    "/*! The charts are drawn by uPlot.\n\n",
    include_str!("../../../assets/uplot/LICENSE"),
    "*/\n",
    include_str!("../../../assets/uplot/uPlot.iife.min.js"),
    include_str!("../../../assets/dashboard/figures.js"),
    include_str!("../../../assets/dashboard/elements.js"),
    include_str!("../../../assets/dashboard/charts.js"),
    include_str!("../../../assets/dashboard/costs.js"),
    include_str!("../../../assets/dashboard/models.js"),
    include_str!("../../../assets/dashboard/measured.js"),
    include_str!("../../../assets/dashboard/page.js"),
);

/// The page with these figures.
pub(super) fn written(figures: &impl Serialize) -> anyhow::Result<String> {
    let data = serde_json::to_string(figures).context("the figures cannot be written")?.replace('<', "\\u003c");
    let mut page = String::with_capacity(TEMPLATE.len() + STYLE.len() + SCRIPT.len() + data.len());
    let mut rest = TEMPLATE;
    for (mark, part) in [("{policy}", POLICY.trim_end()), ("{style}", STYLE), ("{data}", &data), ("{script}", SCRIPT)] {
        let (before, after) = rest.split_once(mark).with_context(|| format!("the template has no {mark}"))?;
        page.push_str(before);
        page.push_str(part);
        rest = after;
    }
    page.push_str(rest);
    Ok(page)
}
