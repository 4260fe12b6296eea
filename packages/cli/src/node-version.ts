const OLDEST = [20, 19] as const;

/** What to say where this Node is too old to run stagemq. */
export function describeOldNode(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return undefined;
  return `stagemq needs Node ${OLDEST.join(".")} or newer; this is ${version}.`;
}
