import { deviceIdPattern } from '../../contracts/identifiers.ts';

/** What a claim code says of the device that may enrol with it. */
export type ClaimRule = { id: string; type: string; device: string | null; prefix: string | null };

/**
 * Which device a claim code stands for. `existing`: whether a device that is registered already may get the certificate,
 * which only the code made for that very device allows. Pure.
 * @param wanted the id that the device asks for, undefined when it asks for none
 * @returns the decision, or why there is none
 */
export function deviceOf(
  rule: ClaimRule,
  wanted: string | undefined,
): { device: string; existing: boolean } | { refused: string } {
  const { device, prefix } = rule;
  if (device !== null)
    return wanted === undefined || wanted === device
      ? { device, existing: true }
      : { refused: `the claim code is for another device than '${wanted}'` };
  const id = wanted ?? `${prefix ?? `${rule.type}-`}${rule.id.slice(0, 12)}`;
  if (prefix !== null && !id.startsWith(prefix))
    return { refused: `the claim code is for devices whose id begins with '${prefix}'; this one asks for '${id}'` };
  if (!deviceIdPattern.test(id))
    return { refused: `'${id.slice(0, 64)}' is no device id: a letter first, 3 to 255 of letters, digits, - _ . ~ %` };
  return { device: id, existing: false };
}
