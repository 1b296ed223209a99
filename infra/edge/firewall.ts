/**
 * Rules of Cloud Armor in front of the API, as plain data. Lower numbers are judged first.
 * https://cloud.google.com/armor/docs/waf-rules
 */
export type ArmorRule = {
  priority: number;
  action: string;
  description: string;
  match: { expr: { expression: string } } | { versionedExpr: 'SRC_IPS_V1'; config: { srcIpRanges: string[] } };
  rateLimitOptions?: {
    conformAction: string;
    exceedAction: string;
    enforceOnKey: string;
    rateLimitThreshold: { count: number; intervalSec: number };
  };
};

/** Google's rule sets for what the API could be attacked with; it has no PHP and no Java. */
const ruleSets = [
  ['sqli-v33-stable', 'SQL injection'],
  ['xss-v33-stable', 'Cross-site scripting'],
  ['lfi-v33-stable', 'Local file inclusion'],
  ['rfi-v33-stable', 'Remote file inclusion'],
  ['rce-v33-stable', 'Remote code execution'],
  ['nodejs-v33-stable', 'Attacks on Node.js'],
  ['protocolattack-v33-stable', 'HTTP request smuggling and splitting'],
  ['sessionfixation-v33-stable', 'Session fixation'],
  ['scannerdetection-v33-stable', 'Scanners'],
] as const;

/**
 * Only signatures that Google calls the least likely to refuse a good request: device types hold CEL expressions, which
 * look like code because they are.
 */
const sensitivity = 1;

/** Requests a minute and address: a site with a hundred devices that enrol at once is one address. */
const requestsPerMinute = 6_000;

const everyone = (): ArmorRule['match'] => ({ versionedExpr: 'SRC_IPS_V1', config: { srcIpRanges: ['*'] } });

export function armorRules(): ArmorRule[] {
  return [
    ...ruleSets.map(([set, description], i) => ({
      priority: 1_000 + i * 10,
      action: 'deny(403)',
      description,
      match: { expr: { expression: `evaluatePreconfiguredWaf('${set}', {'sensitivity': ${sensitivity}})` } },
    })),
    {
      priority: 2_000,
      action: 'throttle',
      description: 'Requests an address; the API has its own limits by client and by operation',
      match: everyone(),
      rateLimitOptions: {
        conformAction: 'allow',
        exceedAction: 'deny(429)',
        enforceOnKey: 'IP',
        rateLimitThreshold: { count: requestsPerMinute, intervalSec: 60 },
      },
    },
    {
      // Nothing comes this far: the rule above takes everyone. Were it gone, nobody should pass unlimited.
      priority: 2_147_483_647,
      action: 'deny(403)',
      description: 'Default',
      match: everyone(),
    },
  ];
}
