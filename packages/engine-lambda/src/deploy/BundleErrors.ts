/**
 * What can be wrong with a workflow that is to be bundled. Each says what to do about it.
 */
import * as Data from "effect/Data"
import { megabytes, type Size, sizeLines } from "./Sizes.ts"

/** A file that esbuild cannot bundle. */
export class BundleFailed extends Data.TaggedError("BundleFailed")<{
  readonly file: string
  /** Each with its place, where there is one. */
  readonly problems: ReadonlyArray<string>
}> {
  override get message() {
    return [`${this.file} cannot be bundled:`, ...this.problems.map((problem) => `  ${problem}`)].join("\n")
  }
}

/** Packages with parts in machine code, which are not declared. */
export class NativeDependency extends Data.TaggedError("NativeDependency")<{
  /** The packages' names. */
  readonly packages: ReadonlyArray<string>
  /** The package.json that has to declare them. */
  readonly manifest: string
}> {
  override get message() {
    const many = this.packages.length > 1
    const names = this.packages.map((name) => JSON.stringify(name)).join(", ")
    return (
      `${this.packages.join(", ")} ${many ? "have" : "has"} parts in machine code, which cannot be bundled. ` +
      `Have ${many ? "them" : "it"} installed for Lambda instead: write in ${this.manifest}\n` +
      `  "weft": { "external": [${names}] }`
    )
  }
}

/** A package.json whose `weft` field is wrong. */
export class InvalidManifest extends Data.TaggedError("InvalidManifest")<{
  readonly manifest: string
  readonly problem: string
}> {
  override get message() {
    return (
      `${this.manifest}: ${this.problem}. The field "weft" looks like this, each list may be left out:\n` +
      '  "weft": { "assets": ["data/**"], "external": ["sharp"], "omit": ["fsevents"] }'
    )
  }
}

/** Externals that could not be installed. */
export class InstallFailed extends Data.TaggedError("InstallFailed")<{
  /** `sharp@0.35.5`. */
  readonly packages: ReadonlyArray<string>
  /** `linux-arm64`. */
  readonly target: string
  readonly detail: string
}> {
  override get message() {
    return `${this.packages.join(", ")} could not be installed for ${this.target}: ${this.detail}`
  }
}

/** A bundle that Lambda would not take. */
export class BundleTooLarge extends Data.TaggedError("BundleTooLarge")<{
  readonly what: "zipped" | "unzipped"
  readonly bytes: number
  readonly mostBytes: number
  /** The largest first. */
  readonly sizes: ReadonlyArray<Size>
}> {
  override get message() {
    const advice =
      this.what === "zipped"
        ? "Larger ones have to come from S3 (`weft deploy --template`, then `aws cloudformation package`), or leave something out"
        : "Leave something out, or read data from S3"
    return [
      `the bundle has ${megabytes(this.bytes)} ${this.what}; Lambda takes ${megabytes(this.mostBytes)}. ${advice}. The largest parts:`,
      ...sizeLines(this.sizes.slice(0, SHOWN)).map((line) => `  ${line}`)
    ].join("\n")
  }
}

const SHOWN = 8
