/** The console as on AWS: time, request and level before each message, which is one line. */
const { format } = process.getBuiltinModule("node:util")

const LEVELS = {
  trace: "TRACE",
  debug: "DEBUG",
  info: "INFO",
  log: "INFO",
  warn: "WARN",
  error: "ERROR",
  fatal: "FATAL"
}

export const patchConsole = () => {
  let request = "-"
  for (const [method, level] of Object.entries(LEVELS)) {
    console[method] = (...values) => {
      const line = `${new Date().toISOString()}\t${request}\t${level}\t${format(...values)}`
      process.stdout.write(`${line.replaceAll("\n", "\r")}\n`)
    }
  }
  return {
    begin: (id) => {
      request = id
    }
  }
}
