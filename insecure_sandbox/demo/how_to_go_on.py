"""What the demo prints when it serves on: the request a lender would make, the pages, and how to
come in.
"""

HOW_TO_GO_ON = """
Now you. Open a verification as the lender does (the answer holds the borrower's link, who then
chooses a route):

  curl -s {url}/v1/verifications \\
    -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \\
    -d '{{"purpose":"Consumer microcredit","subject":{{"iin":"990101100010","surname":"ТЕСТОВ",
         "name":"ТЕСТ","birth_date":"1899-01-01","phone":"+77011234567",
         "document":{{"type":"id_card","number":"012345678","valid_to":"2033-01-01"}}}},
         "loan":{{"amount":"150000.00","currency":"KZT","term_days":30,"annual_rate":"46.00",
         "total_repayable":"155671.00","payout_account":"KZ86125KZT5004100100"}},
         "client_reference":"by-hand-1","locale":"ru"}}'

By signature: make ncalayer ARGS="--sandbox {sandbox}" in another terminal (it says which
certificate to trust), then open the link's url in a browser on this computer.
By camera: first register yourself at {sandbox}/you with a photo and exactly the data above (IIN,
names, phone, document). The same page shows the one-time code. Browsers give a page the camera at
127.0.0.1, elsewhere over https.

Borrower:   the url in the answer      API documents: {url}/docs
Review:     {url}/review/              for loans above 294 900 KZT by camera; two people look
Oversight:  {url}/oversight/           sign in with:
"""
