/**
 * Values as JSON, for other programs. What JSON has no word for is said as `explanation` says.
 */

/** How values become JSON, for the help. */
export const explanation: ReadonlyArray<string> = [
  "Map           an object if all keys are strings, else a list of [key, value]",
  "Set           a list",
  "Date          an ISO 8601 string",
  "bigint        a string of digits",
  "Uint8Array    a base64 string, as are Buffer, ArrayBuffer and DataView",
  "Float64Array  a list of numbers, as are the other typed arrays",
  "Error         an object with name and message",
  "RegExp        a string such as /a+/g",
  "NaN, Infinity and undefined in lists are null; undefined in objects is left out"
]

/**
 * A value as JSON text.
 *
 * @throws {RangeError} if the text were longer than a string can be
 */
export const stringify = (value: unknown, indent?: number): string => {
  try {
    return JSON.stringify(value, replace, indent) ?? "null"
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw new RangeError("it is too large for JSON; write it to a .cbor file with --out", { cause })
  }
}

function replace(this: Readonly<Record<string, unknown>>, key: string, value: unknown): unknown {
  // What stood there before `toJSON` was asked.
  const original = this[key]
  if (typeof original === "bigint") return original.toString()
  if (typeof original !== "object" || original === null) return value
  if (original instanceof Map) {
    const entries = [...original]
    return entries.every(([name]) => typeof name === "string") ? Object.fromEntries(entries) : entries
  }
  if (original instanceof Set) return [...original]
  if (original instanceof RegExp) return String(original)
  if (original instanceof Error) return { ...original, name: original.name, message: original.message }
  if (original instanceof ArrayBuffer) return Buffer.from(original).toString("base64")
  if (!ArrayBuffer.isView(original)) return value
  if (original instanceof Uint8Array || original instanceof DataView) {
    return Buffer.from(original.buffer, original.byteOffset, original.byteLength).toString("base64")
  }
  return Array.from(original as Float64Array)
}
