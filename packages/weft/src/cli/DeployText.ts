/**
 * A deployment, for people.
 */
import type { Deployment, Template } from "@weft/engine-lambda/deploy"
import { shownPath } from "./FailureText.ts"
import type { Style } from "./Style.ts"
import { table } from "./Table.ts"
import { bytes, count, counted, duration } from "./Units.ts"

/** How many of the parts of a bundle are shown. */
const MOST_SIZES = 8

/** What was made, what it consists of, and how to go on. */
export const deploymentLines = (deployment: Deployment, style: Style): ReadonlyArray<string> => {
  const { functions } = deployment
  const isUnchanged = functions.every(({ change }) => change === "unchanged")
  return [
    ...table(
      [{ format: "bold" }, { align: "right" }, { align: "right" }, {}, {}],
      [
        ["function", "memory", "version", "", "store"],
        ...functions.map(({ change, checked, memoryMiB, name, version }) => [
          name,
          `${count(memoryMiB)} MiB`,
          version,
          change,
          checked === undefined
            ? "not checked"
            : `${checked.store ?? "the store"} answers${checked.storeMs === undefined ? "" : ` in ${duration(checked.storeMs)}`}`
        ])
      ],
      style
    ),
    "",
    ...bundleLines(deployment, style),
    ...(isUnchanged ? ["", "Nothing has changed."] : [])
  ]
}

/** What was written, and how to go on. */
export const templateLines = (template: Template, style: Style): ReadonlyArray<string> => [
  `${style("bold", shownPath(template.file, process.cwd()))} and ${shownPath(template.zip, process.cwd())}`,
  "",
  ...bundleLines(template, style),
  "",
  "How to deploy them is said at the top of the template."
]

const bundleLines = (
  { sizes, unzippedBytes, zippedBytes }: Pick<Deployment, "sizes" | "unzippedBytes" | "zippedBytes">,
  style: Style
): ReadonlyArray<string> => [
  `The bundle has ${bytes(zippedBytes)}, ${bytes(unzippedBytes)} when unzipped:`,
  ...table(
    [{ align: "right" }, {}, {}],
    [
      ["size", "package", ""],
      ...sizes
        .slice(0, MOST_SIZES)
        .map((size) => [
          bytes(size.bytes),
          size.version === undefined ? size.package : `${size.package}@${size.version}`,
          size.kind
        ]),
      ...more(sizes.slice(MOST_SIZES))
    ],
    style
  ).map((line) => `  ${line}`)
]

const more = (rest: Deployment["sizes"]): ReadonlyArray<ReadonlyArray<string>> => {
  if (rest.length === 0) return []
  const sum = rest.reduce((total, size) => total + size.bytes, 0)
  return [[bytes(sum), `and ${counted(rest.length, "smaller part")}`, ""]]
}
