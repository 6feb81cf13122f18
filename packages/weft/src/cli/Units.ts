/**
 * Numbers, as people read them.
 */

/** `1,024` */
export const count = (value: number): string => value.toLocaleString("en")

/** `1 task`, `3 retries` */
export const counted = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`

/** `0.42 ms`, `120 ms`, `4.2 s`, `3 min 12 s`, `2 h 5 min` */
export const duration = (ms: number): string => {
  if (ms < 9.95) return `${digits(ms, 2)} ms`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${digits(ms / 1000, ms < 9995 ? 2 : 1)} s`
  return clock(Math.round(ms / 1000) * 1000)
}

/** The same in whole seconds, for what is shown while it grows. */
export const clock = (ms: number): string => {
  const seconds = Math.floor(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** `0 B`, `999 B`, `12.4 kB`, `3.1 GB` */
export const bytes = (value: number): string => {
  const units = ["B", "kB", "MB", "GB", "TB"]
  let unit = 0
  let rest = value
  while (rest >= 999.5 && unit < units.length - 1) {
    rest /= 1000
    unit++
  }
  return `${unit === 0 ? rest : digits(rest, rest < 99.95 ? 1 : 0)} ${units[unit]}`
}

/** `128/s`, `0.4 tasks/s` */
export const rate = (perSecond: number, unit = ""): string =>
  `${perSecond < 9.95 ? digits(perSecond, 1) : count(Math.round(perSecond))}${unit}/s`

/** `83 %` */
export const percent = (share: number): string => `${Math.round(share * 100)} %`

const digits = (value: number, most: number) => String(Number(value.toFixed(most)))

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * What people write for a time, in ms: `500ms`, `90s`, `10m`, `1.5h`, `2d`.
 *
 * @throws {Error} whose message is what was expected
 */
export const milliseconds = (text: string): number => {
  const [, value = "", unit = ""] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? []
  const ms = Math.round(Number(value) * (UNITS[unit] ?? 0))
  if (ms > 0) return ms
  throw new Error("a time such as 500ms, 90s, 10m, 1h or 2d")
}
