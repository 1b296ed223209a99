/** Ports inside the cluster; every pod has its own address, so that parts may share one. */
export const ports = {
  /** MQTT over TLS: inside and outside the same, so that a device's firewall rule is one number. */
  mqtt: 8883,
  api: 8080,
  /** EST inside; outside it is `https`, which firewalls in front of devices let through. */
  est: 8443,
  https: 443,
  devices: 8081,
  telemetry: 8082,
  /** `/healthz`, `/readyz`, `/metrics` of every part; never reachable from outside the cluster. */
  health: 9090,
  /** The same of the sidecar that keeps a pod's certificate. */
  certificatesHealth: 9091,
} as const;
