"""Pages: HTML with charts as SVG, made on the server, readable without JavaScript. For the dashboard and the report."""
