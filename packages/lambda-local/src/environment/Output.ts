/** What a function prints, kept until it is taken. */
import type { Readable } from "node:stream"

/** The most that is kept, in characters. */
const KEPT = 65_536

export class Output {
  readonly #told: ((text: string) => void) | undefined
  #pieces: Array<string> = []
  #length = 0

  constructor(told: ((text: string) => void) | undefined) {
    this.#told = told
  }

  read(stream: Readable): void {
    stream.setEncoding("utf8").on("data", (text: string) => this.add(text))
  }

  add(text: string): void {
    this.#told?.(text)
    this.#pieces.push(text)
    this.#length += text.length
    while (this.#length - this.#pieces[0]!.length >= KEPT) this.#length -= this.#pieces.shift()!.length
  }

  /** What has come since the last time, without the beginning if it was long. */
  take(): string {
    const text = this.#pieces.join("").slice(-KEPT)
    this.#pieces = []
    this.#length = 0
    return text
  }
}
