/**
 * Numbers as people write and read them.
 */
import type { Delay } from "../Options.ts"

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/**
 * What people write for a time, in ms: `500ms`, `90s`, `10m`, `1.5h`, `0`.
 *
 * @throws {Error} whose message is what was expected
 */
export const milliseconds = (text: string): number => {
  if (text === "0") return 0
  const [, value = "", unit = ""] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? []
  const ms = Number(value) * (UNITS[unit] ?? Number.NaN)
  if (value !== "" && Number.isFinite(ms)) return ms
  throw new Error("a time such as 500ms, 90s, 10m or 1h")
}

/**
 * A time that varies: `100ms`, or `100ms+400ms` for 100 to 500.
 *
 * @throws {Error} whose message is what was expected
 */
export const delay = (text: string): Delay => {
  const [ms, spreadMs = "0", ...rest] = text.split("+")
  try {
    if (rest.length === 0) return { ms: milliseconds(ms!), spreadMs: milliseconds(spreadMs) }
  } catch {
    // Said below.
  }
  throw new Error("a time, or a time and how much more it may be at most, such as 100ms+400ms")
}

/**
 * Two times: `60s,120s`.
 *
 * @throws {Error} whose message is what was expected
 */
export const twoTimes = (text: string): readonly [number, number] => {
  const [first, second, ...rest] = text.split(",")
  try {
    if (second !== undefined && rest.length === 0) return [milliseconds(first!), milliseconds(second)]
  } catch {
    // Said below.
  }
  throw new Error("two times, such as 60s,120s")
}

/** `1,024` */
export const count = (value: number): string => value.toLocaleString("en")

/** `1 error`, `3 errors` */
export const counted = (value: number, one: string): string =>
  `${count(value)} ${one}${value === 1 ? "" : "s"}`

/** `0.42`, `12.3`, `1,240` */
export const rounded = (value: number): string =>
  value.toLocaleString("en", { maximumFractionDigits: value < 10 ? 2 : value < 100 ? 1 : 0 })

/** `$0.000052` */
export const dollars = (usd: number): string =>
  `$${usd === 0 ? "0" : usd.toFixed(Math.max(2, 1 - Math.floor(Math.log10(usd))))}`
