/**
 * Standard output and error while a workflow's code runs in this process: what that code writes past weft must neither
 * mix with the result on stdout nor break up the live lines on stderr.
 */

/** Writes text; resolves when it has been handed on, also if nobody reads any more. */
export type Write = (text: string) => Promise<void>

/** The streams as they were. */
export interface Taken {
  readonly stdout: Write
  readonly stderr: Write
  /** Puts everything back. */
  readonly release: () => void
}

type StreamName = "stdout" | "stderr"

/** From now on what anyone else writes to stdout or stderr goes, line by line, to `onLine`. */
export const takeOver = (onLine: (line: string) => void): Taken => {
  const lines = new Lines(onLine)
  const stdout = redirect("stdout", lines)
  const stderr = redirect("stderr", lines)
  return {
    stdout: stdout.write,
    stderr: stderr.write,
    release: () => {
      lines.end()
      stdout.release()
      stderr.release()
    }
  }
}

const redirect = (name: StreamName, lines: Lines) => {
  const stream = process[name]
  const original = stream.write
  stream.write = (chunk: Uint8Array | string, ...rest: ReadonlyArray<unknown>) => {
    lines.add(typeof chunk === "string" ? chunk : Buffer.from(chunk).toString())
    const done = rest.findLast((argument) => typeof argument === "function")
    if (done !== undefined) process.nextTick(done as () => void)
    return true
  }
  return {
    write: (text: string) =>
      new Promise<void>((resolve) => {
        if (stream.destroyed) resolve()
        else Reflect.apply(original, stream, [text, () => resolve()])
      }),
    release: () => {
      stream.write = original
    }
  }
}

/** Writes text to a stream and waits until it has been handed on. */
export const write = (name: StreamName, text: string): Promise<void> =>
  new Promise((resolve) => {
    if (process[name].destroyed) resolve()
    else process[name].write(text, () => resolve())
  })

/** Text as it comes, given on by lines. */
class Lines {
  private rest = ""
  private readonly onLine: (line: string) => void

  constructor(onLine: (line: string) => void) {
    this.onLine = onLine
  }

  add(text: string) {
    const lines = (this.rest + text).split("\n")
    this.rest = lines.pop()!
    for (const line of lines) this.onLine(line)
  }

  end() {
    if (this.rest !== "") this.onLine(this.rest)
    this.rest = ""
  }
}
