import { createServer } from "node:http";

// What node:http costs by itself: takes a request with its body, says hello.
const server = createServer((request, response) => {
  request.resume().on("end", () => response.writeHead(201, { "content-length": 5 }).end("hello"));
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
