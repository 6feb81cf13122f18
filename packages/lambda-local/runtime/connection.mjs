/**
 * One connection to the Runtime API, for requests and answers in order.
 *
 * This is less than HTTP, and enough for the one server that it meets, whose answers all have a length. To load and first
 * use node:http takes 5 ms of each cold start; here a response and the question for the next invocation are one write.
 */
const { connect } = process.getBuiltinModule("node:net")

/** @param gone called when the service is there no more */
export const openConnection = (host, port, gone) => {
  const socket = connect({ host, port: Number(port), noDelay: true })
  /** Who waits for answers, in the order of their requests. */
  const waiting = []
  /** What has come of the answer that is coming: its head when it is known, and the bytes after it. */
  let head
  let parts = []
  let size = 0

  const take = () => {
    const bytes = parts.length === 1 ? parts[0] : Buffer.concat(parts)
    parts = [bytes]
    return bytes
  }
  const keep = (bytes) => {
    parts = bytes.length === 0 ? [] : [bytes]
    size = bytes.length
  }

  socket.on("data", (chunk) => {
    parts.push(chunk)
    size += chunk.length
    while (size > 0) {
      if (head === undefined) {
        const bytes = take()
        const end = bytes.indexOf("\r\n\r\n")
        if (end === -1) return
        head = headersIn(bytes.latin1Slice(0, end))
        keep(bytes.subarray(end + 4))
      }
      const length = Number(head["content-length"])
      if (size < length) return
      const bytes = take()
      const answer = { headers: head, text: bytes.utf8Slice(0, length) }
      head = undefined
      keep(bytes.subarray(length))
      const answered = waiting.shift()
      // A handler that waits for nothing lets the process end.
      if (waiting.length === 0) socket.unref()
      answered(answer)
    }
  })
  socket.on("error", gone).on("close", gone)

  const uncork = () => socket.uncork()

  /** What was answered: its headers and its text. */
  return (method, path, headers = {}, body = "") =>
    new Promise((resolve) => {
      waiting.push(resolve)
      socket.ref()
      const lines = Object.entries({ host, "content-length": Buffer.byteLength(body), ...headers })
      // Sent with what else is asked before this turn ends.
      socket.cork()
      socket.write(
        `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body}`
      )
      process.nextTick(uncork)
    })
}

const headersIn = (text) => {
  const headers = {}
  for (const line of text.split("\r\n").slice(1)) {
    const colon = line.indexOf(":")
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim()
  }
  return headers
}
