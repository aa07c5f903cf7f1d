// Runs in Streamlit's page before its own script, which would look for the server below the page's address first.
Object.assign(window, { __streamlit: { BACKEND_BASE_URL: location.origin + "{base}" } });

// A server that was started anew does not know this page, and takes the first click on it for its beginning.
new MutationObserver(async (changes) => {
  if (changes.at(-1).target.dataset.testConnectionState !== "CONNECTED") return;
  const answer = await fetch("{base}", { cache: "no-store" });
  if (!(await answer.text()).includes("{process}")) location.reload();
}).observe(document, { attributeFilter: ["data-test-connection-state"], subtree: true });
