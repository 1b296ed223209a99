import type { Hardening } from './hardening.ts';
import type { Plan } from './plan/types.ts';
import type { Tier } from './tiers.ts';

/** What every component knows of the environment it builds: settings, tier and plan as one typed, plain value. */
export type Environment = {
  /** The stack's name, also the prefix of every name: `dev`, `prod-eu`. */
  name: string;
  /** Google Cloud project id. */
  project: string;
  region: string;
  tier: Tier;
  plan: Plan;
  hardening: Hardening;
  /** Labels of every resource; the provider sets them by default. */
  labels: Readonly<Record<string, string>>;
  /** `iot.example.com`: devices reach `mqtt.<domain>`, people `api.<domain>`. */
  domain: string | null;
  /** `create`: the zone is a resource of the environment; else the name of a zone in the same project. */
  dnsZone: string;
  clusterMode: 'autopilot' | 'standard';
  /** Who signs device certificates: our issuer with a key in KMS, or Certificate Authority Service itself. */
  deviceCertificates: 'kms' | 'cas';
  /** IAM members (`user:…`, `group:…`) that administer: they reach the cluster and read the first administrator's code. */
  administrators: readonly string[];
  /** CIDR ranges that pods may reach beside Google's APIs. */
  egressAllow: readonly string[];
  alertEmails: readonly string[];
  budget: { billingAccount: string; monthly: number; currency: string } | null;
  /** Repository and branch whose CI may deploy, without a key. */
  ci: { repository: string; branch: string } | null;
  oidc: { issuer: string; audience: string } | null;
  /** `service` → image reference with digest; services not named are built here. */
  images: Readonly<Record<string, string>>;
  pushImages: boolean;
  /** Google reads each pushed image for known vulnerabilities, for a fee an image. */
  scanImages: boolean;
  /** Where traces go: nowhere, or to the collector that GKE runs in the cluster. */
  traces: 'off' | 'managed';
  /** Folder into which Kubernetes objects are written instead of applied. */
  renderKubernetesTo: string | null;
};
