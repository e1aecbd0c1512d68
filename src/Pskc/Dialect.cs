namespace Pskc;

/// <summary>The form of a container, recognised by its root element and namespace.</summary>
public enum Dialect
{
    /// <summary>RFC 6030, <c>urn:ietf:params:xml:ns:keyprov:pskc</c>.</summary>
    Rfc6030,

    /// <summary>
    /// What privacyIDEA exports: RFC 6030 with every tag and attribute in lower case, hash in <c>suite/@hashalgo</c>.
    /// </summary>
    PrivacyIdea,

    /// <summary>draft-hoyer-keyprov-portable-symmetric-key-container-00: <c>SecretContainer</c>.</summary>
    DraftHoyer00,

    /// <summary>
    /// draft-hoyer-keyprov-portable-symmetric-key-container-01 and ActivIdentity: <c>keyprov:container</c>.
    /// </summary>
    DraftHoyer01,

    /// <summary>
    /// draft-ietf-keyprov-pskc before RFC 6030, with <c>Device</c> where the RFC has <c>KeyPackage</c>.
    /// </summary>
    DraftIetf,
}
