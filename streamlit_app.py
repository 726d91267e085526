"""The lab: `streamlit run streamlit_app.py`.

A visit runs this file as a script, which is the overview. The server imports it, and finds the app that stands around all pages: the gate
before each of them, also before a deep link that is the first request after a restart.
"""

import streamlit as st

if __name__ == "__main__":
    from ui.overview import view

    view.page()
else:
    from ui.app import server

    app = st.App(__file__, middleware=server.middleware(), lifespan=server.around)
