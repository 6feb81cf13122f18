/** The option `metrics`. */
import { UploadStrategy } from "@weft/storage"
import * as Data from "effect/Data"
import * as Schema from "effect/Schema"

/** An option `metrics` that makes no sense. */
export class InvalidMetrics extends Data.TaggedError("InvalidMetrics")<{ readonly given: unknown }> {
  override get message() {
    return (
      `metrics: ${JSON.stringify(this.given)} is not valid. It is false, or { upload } with "stop", "task", ` +
      "{ everyMs } above 0, or { queued }, a whole number above 0"
    )
  }
}

const isStrategy = Schema.is(UploadStrategy)

/**
 * When workers upload what they measure; `undefined` if they measure nothing.
 *
 * @throws {InvalidMetrics}
 */
export const strategyOf = (given: unknown): UploadStrategy | undefined => {
  if (given === undefined) return "stop"
  if (given === false) return undefined
  const { upload } = Object(given) as { readonly upload?: unknown }
  if (!isStrategy(upload)) throw new InvalidMetrics({ given })
  return upload
}
