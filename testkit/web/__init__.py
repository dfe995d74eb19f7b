"""The shell for browser pages: app factory, sign-in, sessions, and the page that decides.

``app`` which address leads where | ``shell`` what every page goes through | ``entrance`` links,
signing in and out | ``desk`` inbox and decisions | ``pageset`` how a product hands its pages over |
``security`` what every request and answer must be like | ``links`` one-time links | ``sessions``
who is signed in | ``deciding`` one decision, however often it is sent | ``contexts`` what each
template is given. Who may decide what is :mod:`testkit.signoff`'s to say.
"""
