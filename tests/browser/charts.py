"""What can be wrong with the charts on a page, as they are drawn."""

from __future__ import annotations

from browser.conftest import idle

WINDOWS = ((1280, 720), (1920, 1080))
# Of every chart in Vega-Lite: letters beyond its edge, texts cut or no words, labels off their ticks.
FAULTS = """() => [...document.querySelectorAll('[data-testid=stVegaLiteChart]')].flatMap((chart) => {
  const svg = chart.querySelector('svg.marks');
  if (!svg) return ['a chart without SVG'];
  const name = svg.getAttribute('aria-label') ?? chart.innerText.slice(0, 40);
  const edge = svg.getBoundingClientRect();
  const seen = (text) => text.textContent && getComputedStyle(text).opacity !== '0';
  const texts = [...svg.querySelectorAll('text')].filter(seen);
  const faults = texts.flatMap((text) => {
    const box = text.getBoundingClientRect();
    const beside = Math.max(edge.left - box.left, box.right - edge.right);
    const out = Math.max(beside, edge.top - box.top, box.bottom - edge.bottom);
    return [
      ...(out > 1.5 ? [`${name}: ${text.textContent} sticks out by ${out.toFixed(1)} px`] : []),
      ...(/[a-z]_[a-z]/.test(text.textContent) ? [`${name}: ${text.textContent} is no word`] : []),
      ...(text.textContent.endsWith('…') ? [`${name}: ${text.textContent} is cut`] : []),
    ];
  });
  const middle = (box, across) => (across ? box.left + box.right : box.top + box.bottom) / 2;
  for (const axis of svg.querySelectorAll('.role-axis-label')) {
    // Grid lines and labels stand in groups apart, those of one of several panels in one.
    const panel = axis.closest('.role-scope') ?? svg;
    const lines = [...panel.querySelectorAll('.role-axis-tick line, .role-axis-grid line')];
    const places = lines.map((line) => line.getBoundingClientRect());
    const labels = [...axis.querySelectorAll('text')].filter(seen);
    const boxes = labels.map((label) => label.getBoundingClientRect());
    const across = new Set(boxes.map((box) => Math.round(box.bottom))).size === 1;
    const along = places.filter((box) => (across ? box.width < box.height : box.height < box.width));
    const turned = labels.some((label) => label.getAttribute('transform').includes('rotate'));
    if (along.length === 0 || turned) continue;
    boxes.forEach((box, i) => {
      const off = Math.min(...along.map((line) => Math.abs(middle(line, across) - middle(box, across))));
      if (off > 2.5) faults.push(`${name}: ${labels[i].textContent} is ${off.toFixed(1)} px off its tick`);
    });
  }
  return faults;
})"""


def no_faults(page, *, charts):
    """Look at the charts of a page in a small and in a large window; there are at least so many."""
    for width, height in WINDOWS:
        page.set_viewport_size({"width": width, "height": height})
        idle(page)
        page.wait_for_timeout(600)
        assert page.locator("[data-testid=stVegaLiteChart] svg.marks").count() >= charts
        faults = page.evaluate(FAULTS)
        assert not faults, f"{width} x {height}: {faults}"
