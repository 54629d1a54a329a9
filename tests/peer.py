"""A server that is somebody else's."""

import http.server


class TextHandler(http.server.BaseHTTPRequestHandler):
    """Answers every GET with text(), and writes no log."""

    def text(self):
        raise NotImplementedError

    def do_GET(self):
        body = self.text().encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass
