// Answers every request with the same line, for benchmarks.
addEventListener("fetch", (event) => event.respondWith(new Response("hello from duet\n")));
