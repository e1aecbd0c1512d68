namespace Pskc.Reading;

/// <summary>RFC 6030's names for the lower-case ones of privacyIDEA's export.</summary>
internal static class PrivacyIdeaNames
{
    private static readonly Dictionary<string, string> byLowerCase = ((string[])
    [
        "KeyContainer", "EncryptionKey", "KeyName", "DerivedKey", "KeyDerivationMethod", "PBKDF2-params", "Salt",
        "Specified", "IterationCount", "KeyLength", "PRF", "MasterKeyName", "MACMethod", "MACKey", "MACKeyReference",
        "EncryptionMethod", "CipherData", "CipherValue", "KeyPackage", "DeviceInfo", "Manufacturer", "SerialNo", "Model",
        "IssueNo", "DeviceBinding", "StartDate", "ExpiryDate", "UserId", "CryptoModuleInfo", "Id", "Key", "Issuer",
        "AlgorithmParameters", "Suite", "ChallengeFormat", "ResponseFormat", "KeyProfileId", "KeyReference",
        "FriendlyName", "Data", "Secret", "Counter", "Time", "TimeInterval", "TimeDrift", "PlainValue", "EncryptedValue",
        "ValueMAC", "Policy", "PINPolicy", "KeyUsage", "NumberOfTransactions", "Extensions", "Signature", "PINKeyId",
        "PINUsageMode", "MaxFailedAttempts", "MinLength", "MaxLength", "PINEncoding",
    ]).ToDictionary(name => name.ToLowerInvariant());

    public static string Rfc(string name) => byLowerCase.GetValueOrDefault(name, name);
}
