const iotCorePattern = /^projects\/[^/]{1,64}\/locations\/[^/]{1,64}\/registries\/[^/]{1,255}\/devices\/([^/]{1,255})$/;

/** The device that an MQTT client id names: the id itself, or the last part of Cloud IoT Core's long form. */
export function deviceOfClientId(clientId: string): string {
  if (clientId.length > 1_024) return '';
  return iotCorePattern.exec(clientId)?.[1] ?? clientId;
}
