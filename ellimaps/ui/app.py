"""The workbench's frame: window title and navigation."""

from __future__ import annotations

from functools import cache, partial

import streamlit as st
from PIL import Image, ImageDraw
from streamlit.navigation.page import StreamlitPage

from ellimaps.core.colors import CLUSTER_COLORS
from ellimaps.ui.components.chart_tools import chart_tools
from ellimaps.ui.shared.data_root import confine_pages
from ellimaps.ui.shared.markdown import guard_messages
from ellimaps.ui.shared.sign_in import is_signed_in, is_welcome
from ellimaps.ui.shared.state import write_work

# Maps and spectra are to be seen together in a window of 1280 x 800: little padding, small gaps.
_STYLE = """
<style>
.stMainBlockContainer { padding: 4.1rem 2rem 1.5rem; max-width: 1900px; }
.stMainBlockContainer .stVerticalBlock { gap: 0.6rem; }
.st-key-header h3, .st-key-header h4, .st-key-header p { padding: 0; margin: 0; }
.st-key-header .stMarkdown > div, .st-key-header .stCaptionContainer { margin: 0; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(170px, 1fr)); }
.stHtml .facts { gap: 6px 20px; margin: 0; padding: 0; }
.facts div { min-width: 0; }
.facts .long { grid-column: span 2; }
.facts .longer { grid-column: span 3; }
.st-key-data_split .facts { grid-template-columns: repeat(2, 1fr); }
.st-key-data_split .facts :is(.long, .longer) { grid-column: span 2; }
.st-key-header { margin-bottom: 0.3rem; }
.facts dt { font-size: 0.8rem; opacity: 0.75; font-weight: 400; }
.facts dd { margin: 0; font-size: 0.95rem; overflow-wrap: anywhere; }
.st-key-browser button, .st-key-recent button { min-height: 1.7rem; padding: 0; }
.st-key-try_picture img { width: 100% !important; max-height: calc(100vh - 300px); min-height: 300px; }
.st-key-try_picture img { object-fit: contain; background: #000; }
/* Text has 4.5:1 or more, and the focus is seen; Streamlit has no options for these. */
[data-testid=stCaptionContainer] { opacity: 0.8; }
button[kind^=primary]:enabled :is(p, span), [data-tag] :is(span, button) {
  color: light-dark(#fff, #0b1118);
}
:is([data-testid=stTopNavLink], [kind=elementToolbar]):focus-visible { outline: 2px solid currentcolor; }
.stVegaLiteChart :is(.role-axis, .role-legend, .role-scope .role-title) text,
.js-plotly-plot :is(.xtick text, .ytick text, .xtitle, .ytitle, .legendtext, .annotation-text) {
  fill: light-dark(#5b5f6d, #e6eaf1) !important;
}
.stCode .token { --value: light-dark(#0f6b5e, #5fd3bf); --name: light-dark(#0b5aa5, #6db3f5); }
.stCode .token:is(.number, .boolean, .constant, .string) { color: var(--value); }
.stCode .token:is(.property, .variable, .keyword, .function, .class-name) { color: var(--name); }
.stCode .token:is(.operator, .decorator, .atrule) { color: light-dark(#9a3e00, #ffab66); }
/* It stands outside of what Streamlit gives the scheme, which is that of the system. */
[data-testid=stPopoverBody] { color-scheme: light dark; }
.st-key-chart_tools { display: none; }
/* Over the page and not in it: what one looks at stays where it is when work begins and ends. */
div:has(> .st-key-work) { position: fixed; bottom: 1rem; left: 50%; z-index: 99; }
div:has(> .st-key-work) { width: min(46rem, 92vw); transform: translateX(-50%); }
div:has(> .st-key-work_message:empty) { display: none; }
.st-key-task { padding: 0.5rem 1rem; border-radius: 0.6rem; background: light-dark(#fff, #2b2a27); }
.st-key-task { box-shadow: 0 2px 14px rgba(0, 0, 0, 0.35); }
/* In place of Streamlit's dialog, which asks for the internet; a gap of a second is nobody's business. */
[data-testid=stElementContainer]:has(.stopped) { position: fixed; inset: auto 0 0; z-index: 100; }
.stopped { padding: 1rem; text-align: center; background: #7d1f1f; color: #fff; visibility: hidden; }
[data-test-connection-state=PINGING_SERVER] .stopped { animation: told 0s 1s forwards; }
[data-testid=stApp]:not([data-test-connection-state=PINGING_SERVER]) .stopped { display: none; }
body:has([data-test-connection-state=PINGING_SERVER] .stopped) [data-testid=stDialog] { display: none; }
@keyframes told { to { visibility: visible; } }
/* A film of three oscillators has fifteen rows. */
.stMainBlockContainer .st-key-film_editor [class*=_rows] { gap: 0.2rem; }
.st-key-film_editor [class*=_rows] :is([data-testid=stNumberInputContainer], input) { height: 2rem; }
.st-key-film_editor [class*=_rows] :is(p, button, [data-testid$=Container]) { min-height: 0; margin: 0; }
.elided { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
@media (max-width: 1050px) {
  .st-key-explore_split .stHorizontalBlock { flex-direction: column; }
  .st-key-explore_split .stColumn { width: 100%; flex: 1 1 100%; }
  .st-key-data_split .stHorizontalBlock:has(> .stColumn) { flex-direction: column; }
  .st-key-data_split .stColumn { width: 100%; flex: 1 1 100%; }
  .st-key-fit_split .stHorizontalBlock:has(> .stColumn) { flex-direction: column; }
  .st-key-film_editor .stHorizontalBlock:has(> .stColumn) { flex-direction: column; }
  .st-key-fit_split .stColumn, .st-key-film_editor .stColumn { width: 100%; flex: 1 1 100%; }
}
</style>
"""
_STOPPED = """
<div class="stopped" role="alert">
ellimaps has stopped, or it cannot be reached. Once it runs again this page goes on by itself.
</div>
"""


def main() -> None:
    """Show the chosen page."""
    confine_pages()
    guard_messages()
    from ellimaps.ui.pages.classify import page as classify
    from ellimaps.ui.pages.experiments import page as experiments
    from ellimaps.ui.pages.maps import page as maps
    from ellimaps.ui.pages.plates import page as plates
    from ellimaps.ui.pages.sensors import page as sensors

    # Before the pages are known: the browser would fetch the icon of one of them from another host.
    st.set_page_config(page_title="ellimaps", page_icon=_icon(), layout="wide")
    st.html(_STYLE)
    st.html(_STOPPED)
    if not is_welcome():
        return
    chart_tools()
    first = st.Page(maps.render, title="Maps", icon=":material/layers:", default=True)
    pages = [
        first,
        # The first page's address is the server's own; links name it as they name the others.
        st.Page(partial(_lead_to, first), title="Maps", url_path="maps", visibility="hidden"),
        st.Page(experiments.render, title="Experiments", icon=":material/science:", url_path="experiments"),
        st.Page(classify.render, title="Classify", icon=":material/category:", url_path="classify"),
        st.Page(plates.render, title="Plates", icon=":material/grid_on:", url_path="plates"),
        st.Page(sensors.render, title="Sensors", icon=":material/thermostat:", url_path="sensors"),
    ]
    if is_signed_in():
        pages.append(st.Page(st.logout, title="Sign out", icon=":material/logout:", url_path="sign-out"))
    # Beside the page they would take a quarter of its width from the maps.
    chosen = st.navigation(pages, position="top")
    st.set_page_config(page_title=f"{chosen.title} · ellimaps")
    chosen.run()
    write_work()


def _lead_to(page: StreamlitPage) -> None:
    """Show a page under its own address, with what the link says."""
    st.switch_page(page, query_params={name: st.query_params.get_all(name) for name in st.query_params})


@cache
def _icon() -> Image.Image:
    """Return three films on each other."""
    picture = Image.new("RGBA", (64, 64))
    draw = ImageDraw.Draw(picture)
    for top, color in zip((30, 19, 8), CLUSTER_COLORS, strict=False):
        draw.polygon([(4, top + 12), (32, top + 26), (60, top + 12), (32, top - 2)], fill=color)
    return picture


if __name__ == "__main__":
    main()
