"""The gate: an ASGI middleware before every page, WebSocket, upload and medium of the lab. Nothing in here draws with streamlit."""
