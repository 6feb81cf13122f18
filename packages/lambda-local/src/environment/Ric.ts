/** AWS's own runtime interface client, built on demand. */

export const installRic = async (): Promise<string> => {
  throw new Error("not yet")
}
