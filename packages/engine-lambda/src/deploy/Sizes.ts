/**
 * What a bundle's bytes are: by package, for people who want a smaller one.
 */

/** What one package brings into a bundle. */
export interface Size {
  /** The package's name; for the workflow's own package, too. */
  readonly package: string
  readonly version: string | undefined
  /** Code that was bundled, files beside it, or a package as it was installed. */
  readonly kind: "code" | "assets" | "external"
  /** Not zipped. */
  readonly bytes: number
}

/** The largest first. */
export const sorted = (sizes: ReadonlyArray<Size>): ReadonlyArray<Size> =>
  [...sizes].sort((a, b) => b.bytes - a.bytes || (a.package < b.package ? -1 : 1))

/** `1.24 MB`, `312 kB` */
export const megabytes = (bytes: number): string =>
  bytes >= 999_500
    ? `${(bytes / 1e6).toFixed(bytes < 9_950_000 ? 2 : 1)} MB`
    : `${Math.round(bytes / 1000)} kB`

/** A table of them. */
export const sizeLines = (sizes: ReadonlyArray<Size>): ReadonlyArray<string> => {
  const rows = sizes.map(({ bytes, kind, package: name, version }) => ({
    bytes: megabytes(bytes),
    name: version === undefined ? name : `${name}@${version}`,
    kind
  }))
  const widest = Math.max(...rows.map(({ bytes }) => bytes.length))
  const longest = Math.max(...rows.map(({ name }) => name.length))
  return rows.map(({ bytes, kind, name }) => `${bytes.padStart(widest)}  ${name.padEnd(longest)}  ${kind}`)
}
