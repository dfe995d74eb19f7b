"""The shell for browser pages: app factory, sign-in, sessions, and the page that decides.

``security`` what every request and answer must be like | ``links`` one-time links |
``sessions`` who is signed in | ``pageset`` how a product hands its pages over |
``deciding`` one decision through a link or a session | ``contexts`` what each template is given |
``app`` the routes. Who decides what is :mod:`testkit.signoff`'s to say.
"""
