/**
 * What can be wrong with a deployment, besides its bundle and Lambda itself. Each says what to do about it.
 */
import * as Data from "effect/Data"

/** Something about a deployment that cannot be. */
export class InvalidDeployment extends Data.TaggedError("InvalidDeployment")<{
  /** What it is about: `role`, `memory`, `stores`, `name`, `timeout`, `vpc`, `environment`. */
  readonly about: string
  /** What is wrong, and what to do. */
  readonly problem: string
}> {
  override get message() {
    return this.problem
  }
}

/** Functions that were made, but cannot do their work. */
export class CheckFailed extends Data.TaggedError("CheckFailed")<{
  /** `weft-report-1024:7` */
  readonly function: string
  /** What the function says is wrong, each with what to do about it. */
  readonly problems: ReadonlyArray<string>
  /** Whether functions lie in a VPC. */
  readonly inVpc: boolean
}> {
  override get message() {
    return [
      `the function ${this.function} was made, but cannot do its work; runs do not begin with it:`,
      ...this.problems.map((problem) => `  ${problem}`),
      ...advice(this.problems.join("\n"), this.inVpc).map((line) => `  ${line}`)
    ].join("\n")
  }
}

const advice = (problems: string, inVpc: boolean): ReadonlyArray<string> => {
  if (/localhost|127\.0\.0\.1|\[::1\]/.test(problems)) {
    return [
      "Inside a function localhost is the function itself: give the address that functions reach, --store redis://HOST:6379"
    ]
  }
  if (!/reach|connect|timed? ?out|timeout|answer|ENOTFOUND|ETIMEDOUT|ECONNREFUSED/i.test(problems)) return []
  return inVpc
    ? [
        "From the functions' VPC: the security group of the store has to let in that of the functions on its port, and",
        "S3 and Lambda need VPC endpoints (a gateway for S3, an interface for Lambda) or a NAT gateway"
      ]
    : [
        "These functions lie in no VPC: a store inside one, such as ElastiCache, is reached with --subnet and",
        "--security-group only"
      ]
}
