"""What the pages share: frame, forms, charts, live parts. Only this folder, ``pages/`` and ``streamlit_app.py`` import streamlit."""
