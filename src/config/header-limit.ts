// uWebSockets.js takes its header limit from the environment, once, when its addon is loaded.
// Main thread, before any shard starts. One limit for the whole process.

export function setHeaderLimit(headerBytesMax: number): void {
  process.env['UWS_HTTP_MAX_HEADERS_SIZE'] = String(headerBytesMax)
}
