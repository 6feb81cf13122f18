// Runs a package script with the pinned Node.js, after installing what is missing.
// This file alone runs on the Node.js that happens to be there (20 or later): plain JavaScript, no dependencies.
//
//   node scripts/setup.mjs [--cwd <folder>] <script> [arguments...]

import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { accessSync, constants, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { delimiter, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const stamp = join(root, "node_modules", ".weft-setup")
const pinnedNode = join(root, "node_modules/node/bin", process.platform === "win32" ? "node.exe" : "node")

/** The package.json files of the workspace. */
function manifests() {
  const folders = ["packages", "examples", "benchmarks"].flatMap((parent) =>
    existsSync(join(root, parent)) ? readdirSync(join(root, parent)).map((name) => `${parent}/${name}`) : []
  )
  return [".", ...folders]
    .map((folder) => `${folder}/package.json`)
    .filter((file) => existsSync(join(root, file)))
}

/** Changes whenever an installation made for another state of the workspace has to be renewed. */
function fingerprint() {
  const hash = createHash("sha256")
  hash.update(`${process.platform} ${process.arch}\n`)
  for (const file of ["pnpm-lock.yaml", "pnpm-workspace.yaml", ...manifests()]) {
    hash.update(`${file}\n`).update(readFileSync(join(root, file)))
  }
  return hash.digest("hex")
}

function isInstalled() {
  return existsSync(pinnedNode) && existsSync(stamp) && readFileSync(stamp, "utf8") === fingerprint()
}

/** Resolves to the exit code and, if the output was captured, to what the command printed. */
function run(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, options)
    // An interrupt from the keyboard reaches the command too, a request to end does not. Both times: wait for it.
    process.on("SIGINT", () => {})
    process.on("SIGTERM", () => child.kill("SIGTERM"))
    let output = ""
    child.stdout?.on("data", (chunk) => (output += chunk))
    child.stderr?.on("data", (chunk) => (output += chunk))
    child.on("error", reject)
    child.on("close", (code, signal) => resolve({ code: code ?? (signal === "SIGINT" ? 130 : 1), output }))
  })
}

async function install() {
  const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
  const first = !existsSync(pinnedNode)
  console.error(
    `Installing dependencies with ${packageManager}${first ? " (the first time: about a minute)" : ""} ...`
  )
  const pnpm = ["exec", "--yes", "--loglevel=error", "--", packageManager, "install"]
  const options = { cwd: root, stdio: ["ignore", "pipe", "pipe"] }
  const npm = process.env.npm_execpath
  const { code, output } = npm?.endsWith("npm-cli.js")
    ? await run(process.execPath, [npm, ...pnpm], options)
    : await run("npm", pnpm, { ...options, shell: process.platform === "win32" })
  if (code !== 0) {
    console.error(output)
    console.error(`${packageManager} install failed (exit code ${code}).`)
    process.exit(code)
  }
  writeFileSync(stamp, fingerprint())
}

function isOnPath(program) {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** Runs apt-get; packages that bring a service do not start it. */
async function aptGet(...args) {
  const policy = "/usr/sbin/policy-rc.d"
  const isOurs = !existsSync(policy)
  if (isOurs) writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 })
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" }
    return await run("apt-get", args, { env, stdio: ["ignore", "pipe", "pipe"] })
  } finally {
    if (isOurs) rmSync(policy)
  }
}

/** Tests, and what runs examples as on AWS, start Redis servers of their own. */
async function provideRedis() {
  const isThere = () => isOnPath("redis-server") || isOnPath("valkey-server")
  if (isThere()) return
  let output = ""
  if (process.getuid?.() === 0 && isOnPath("apt-get")) {
    console.error("Installing redis-server ...")
    const install = ["install", "-y", "--no-install-recommends", "redis-server"]
    // What apt knows may be old, or nothing.
    for (const command of [install, ["update"], install]) {
      ;({ output } = await aptGet(...command))
      if (isThere()) return
    }
  }
  if (output !== "") console.error(output)
  console.error(
    "This needs a Redis or Valkey server on the PATH, which it starts by itself. Install one:\n" +
      "  Debian, Ubuntu   sudo apt-get install redis-server   (version 7 or later)\n" +
      "  Fedora           sudo dnf install valkey\n" +
      "  macOS            brew install redis"
  )
  process.exit(1)
}

const args = process.argv.slice(2)
let cwd = root
if (args[0] === "--cwd") {
  cwd = join(root, args[1] ?? "")
  args.splice(0, 2)
}
const [script, ...rest] = args
if (script === undefined) {
  console.error("Usage: node scripts/setup.mjs [--cwd <folder>] <script> [arguments...]")
  process.exit(2)
}

if (!isInstalled()) await install()
if (script === "test:all" || script === "lambda") await provideRedis()

const { code } = await run(pinnedNode, ["--run", script, ...(rest.length > 0 ? ["--", ...rest] : [])], {
  cwd,
  stdio: "inherit"
})
process.exit(code)
