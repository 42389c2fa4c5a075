// Addresses within the page: #/scan/ID?x=mass&cl=90 can be shared.

/** Parts of the address: path as a list, and the question behind it. */
export function route() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return { path: path.split("/").filter(Boolean).map(decodeURIComponent), query: new URLSearchParams(query) };
}

/** Put another question behind the path, without a new entry in the history. */
export function keepQuery(query) {
  const path = location.hash.split("?")[0];
  const text = query.toString();
  history.replaceState(null, "", text ? `${path}?${text}` : path);
}
