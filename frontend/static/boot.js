// Starts the console. A file of its own, because the content security policy forbids inline scripts.
const { js, wasm } = document.getElementById("boot").dataset;
try {
  const theme = localStorage.getItem("stoplist.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden; the system's theme is used then.
}
const { default: start } = await import(js);
await start({ module_or_path: wasm });
