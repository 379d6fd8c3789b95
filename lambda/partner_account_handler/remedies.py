"""The remedy for each AWS error, in the reader's terms. No sentence is longer than a Reason allows. Pure."""

_NEW_CODE = "Request a new code for the contact's e-mail (SendEmailVerificationCode), store it, deploy again."
_TAGS = "Correct the tags (a tag policy may forbid a key; the Sandbox takes none in CreatePartner), deploy again."
_PROFILE_TASK = "Let the profile task end, or cancel it (CancelProfileUpdateTask), then deploy again."
_DEPLOY_AGAIN = "Deploy again: a partner that was created is found by its tag and kept."

_DECRYPT = "Allow kms:Decrypt on the key of the code's store for the function's role, deploy again."

BY_DETAIL = {
    "INCOMPATIBLE_LEGAL_NAME": "Use the legal name that the business verification confirmed, deploy again.",
    "INCOMPATIBLE_KNOW_YOUR_BUSINESS_STATUS": (
        "Verify the business, deploy again. It also fails for a company that is an AWS Partner: migrate that."
    ),
    "INCOMPATIBLE_IDENTITY_VERIFICATION_STATUS": "Verify the registrant (StartVerification), then deploy again.",
    "INVALID_ACCOUNT_LINKING_STATUS": (
        "The account is linked to a Partner Central account: the company is already an AWS Partner. "
        "Migrate it, don't register again."
    ),
    "INVALID_ACCOUNT_STATE": "The AWS account must be active and in good standing: see Billing, then deploy again.",
    "INCOMPATIBLE_DOMAIN": "Use a contact e-mail in the company's own domain, request a code for it, deploy again.",
    "INELIGIBLE_ACCOUNT_TIER": "Move the AWS account to a paid plan, then deploy again.",
    "Tags:TOO_MANY_VALUES": "Remove tags (the ownership tag counts too), deploy again.",
    "LegalName:DUPLICATE_VALUE": "The legal name is taken: correct it, or set existing_partner_id, deploy again.",
}
"""By business validation code, or by a field with the code of its validation error."""

BY_FIELD = {
    "EmailVerificationCode": _NEW_CODE,
    "Tags": _TAGS,
    "TagKeys": _TAGS,
    "Catalog": "Correct catalog, deploy again.",
    "LegalName": "Correct legal_name, deploy again.",
    "PrimarySolutionType": "Correct primary_solution_type, deploy again.",
    "AllianceLeadContact": "Correct alliance_lead_contact, deploy again.",
    "FirstName": "Correct the contact's first_name, deploy again.",
    "LastName": "Correct the contact's last_name, deploy again.",
    "Email": "Correct the contact's email, request a code for it, deploy again.",
    "BusinessTitle": "Correct the contact's business_title, deploy again.",
    "DisplayName": "Correct the profile's display_name, deploy again.",
    "Description": "Correct the profile's description, deploy again.",
    "WebsiteUrl": "Correct the profile's website_url, deploy again.",
    "LogoUrl": "Correct the profile's logo_url, deploy again.",
    "IndustrySegments": "Correct the profile's industry_segments, deploy again.",
    "TranslationSourceLocale": "Correct the profile's translation_source_locale, deploy again.",
    "LocalizedContents": "Correct the profile's localized_contents, deploy again.",
    "Locale": "Correct the locales of the profile's localized_contents, deploy again.",
    "Headquarters": "Correct the profile's headquarters, deploy again.",
    "CountryCode": "Correct the country_code of the profile's headquarters, deploy again.",
    "SubdivisionCode": "Correct the subdivision_code of the profile's headquarters, deploy again.",
    "Visibility": "Correct the profile's visibility, deploy again.",
}
"""By the field that a validation error names, whatever its code."""

BY_PROFILE_ERROR = {
    "INVALID_CONTENT": "Correct the texts of the profile in this locale, deploy again.",
    "DUPLICATE_PROFILE": "Such a profile exists: correct display_name, or ask AWS Partner support, deploy again.",
    "INVALID_LOGO": "Correct the logo at logo_url, deploy again.",
    "INVALID_LOGO_URL": "Correct logo_url, from which AWS fetches the logo by HTTPS, deploy again.",
    "INVALID_LOGO_FILE": "Set logo_url to an image of a type that AWS accepts, deploy again.",
    "INVALID_LOGO_SIZE": "Set logo_url to an image of a size that AWS accepts, deploy again.",
    "INVALID_WEBSITE_URL": "Correct website_url, deploy again.",
}
"""By the reason that a failed profile task gives for a locale."""

BY_TASK_STATUS = {
    "FAILED": "Correct the profile, deploy again.",
    "CANCELED": "Somebody has canceled it: ask why, deploy again.",
}
"""By the final status of a profile task, without a known reason."""

BY_REASON = {
    "DUPLICATE_PARTNER": (
        "The legal name is taken, or the account may have one partner only, or ours is not visible yet. "
        "Deploy again, correct legal_name, or set existing_partner_id."
    ),
    "CONFLICT_CLIENT_TOKEN": _DEPLOY_AGAIN,
    "INCOMPATIBLE_PROFILE_STATE": _PROFILE_TASK,
    "INCOMPATIBLE_PARTNER_PROFILE_TASK_STATE": _PROFILE_TASK,
    "PARTNER_PROFILE_NOT_FOUND": "The partner has no approved profile yet: let its profile task succeed, deploy again.",
    "LIMIT_EXCEEDED_NUMBER_OF_PROFILE_UPDATE_PER_DAY": "AWS takes ten profile tasks a day: deploy again tomorrow.",
    "LIMIT_EXCEEDED_NUMBER_OF_PROFILE_VISIBILITY_UPDATE_PER_DAY": (
        "AWS takes five changes of the visibility a day: deploy again tomorrow."
    ),
    "VERIFICATION_ALREADY_IN_PROGRESS": (
        "Wait, or complete it at the URL that `verification status` shows, then deploy again."
    ),
    "INCOMPATIBLE_BENEFIT_AWS_PARTNER_STATE": "Have AWS Partner support correct the partner's state, deploy again.",
    "PARTNER_NOT_FOUND": (
        "The partner is gone, though AWS has no call that deletes one: ask AWS Partner support before anything else."
    ),
}
"""By the Reason that Partner Central gives beside the error's code."""

BY_OPERATION = {
    "GetSecretValue": "Create the secret that email_verification_code names, store the code in it, deploy again.",
    "GetParameter": "Create the SecureString that email_verification_code names, with the code, deploy again.",
}
"""By the operation that was refused; a denial has the remedy of a denial."""

BY_CODE = {
    "IncompleteAnswer": _DEPLOY_AGAIN,
    "InvalidRequestException": "Restore the secret if it is marked for deletion, store the code in it, deploy again.",
    "DecryptionFailure": _DECRYPT,
    "InvalidKeyId": _DECRYPT,
    "EndpointConnectionError": "The function can't reach AWS: a VPC needs NAT or an endpoint. Deploy again.",
    "ConnectTimeoutError": "The function can't reach AWS: a VPC needs NAT or an endpoint. Deploy again.",
}

_MAY_READ = "Allow this call, and kms:Decrypt if the store uses your own key, for the function's role, deploy again."
BY_DENIED_OPERATION = {"GetSecretValue": _MAY_READ, "GetParameter": _MAY_READ}  # by the operation that was denied

BY_OUTCOME = {
    "unknown": _DEPLOY_AGAIN,
    "throttled": "Wait a minute and deploy again.",
    "denied": "Allow this call for the function's role (SCP, permissions boundary, policy), deploy again.",
    "refused": "Correct what this names; the function's log has AWS's request id for support. Deploy again.",
}
