/** A map with one service `shop` and one map `demo`: servers by name, with their agent and the images of their containers. */
export function shopMap(
  sockets: Readonly<Record<string, string>>,
  servers: Readonly<Record<string, { agent: string; containers: readonly object[] }>>,
): object {
  const agents = Object.fromEntries(
    Object.entries(sockets).map(([name, socket]) => [
      name,
      { url: socket.includes('://') ? socket : `unix://${socket}` },
    ]),
  );
  return { agents, services: { shop: { maps: { demo: { servers } } } } };
}
